# The offline classroom, for test_offline.py: runs as process 1 of its own namespaces, where nothing but loopback is.
# Usage: unshare ... bash without-network.sh CLONE BUNDLE EMPTY_FOLDER_FOR_DOCKER
set -euo pipefail
clone=$1 bundle=$2 storage=$3
trap 'echo "failed: $BASH_COMMAND" >&2; tail -n 20 /var/log/dockerd.log "$clone"/.cache/*.log >&2' ERR

# Its own Docker: no socket, no image and no log of the machine's daemon can be seen from here.
mkdir -p "$storage" /var/lib/docker
mount --bind "$storage" /var/lib/docker
for folder in /run /var/log; do mount -t tmpfs none $folder; done
mkdir -p /run/lock
# The loopback interface up (SIOCSIFFLAGS: IFF_UP and IFF_RUNNING): not every machine has the command `ip`.
python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))'
[ "$(grep -c : /proc/net/dev)" = 1 ]
if docker version >/dev/null 2>&1; then echo 'the daemon of this machine can be reached' >&2; exit 1; fi

fetch() {
  .venv/bin/python -c "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())" "$1"
}

cd "$clone"
echo "== without an engine"
LAB_ENGINE=no make unbundle BUNDLE="$bundle"
LAB_ENGINE=no make up
fetch http://localhost:8000/ | grep '<title>Beyond Cron'
LAB_ENGINE=no make down

echo "== with an engine"
make unbundle BUNDLE="$bundle"
make up
fetch http://localhost:8000/02-cron/ | grep '<title>'
make up
cd 02-cron
docker compose up --detach --wait
docker compose down
echo "== an edited lesson can be built again"
echo '# edited' >>crontab.txt
docker compose up --detach --wait --build
docker exec python-scheduler-cron crontab -l | grep '# edited'
docker compose down
cd ..
make down
[ -z "$(docker ps --all --quiet)" ]
