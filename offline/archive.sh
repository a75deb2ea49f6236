#!/bin/sh
# Print the address of the Debian archive that this machine uses, from its own apt files, in either of their two formats.
{
  sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources
  sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
} 2>/dev/null | grep -E '/debian/?$' | head -n 1 | grep .
