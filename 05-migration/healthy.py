"""A healthcheck, for images without curl: fails unless the address answers. Usage: healthy.py URL"""

import sys
from urllib.request import urlopen

try:
    urlopen(sys.argv[1], timeout=5).close()
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
