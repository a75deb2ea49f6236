#!/bin/sh
# The legacy machine: a mailbox that is a file, the crontab of the user shop, and supervisor, which starts all else.
set -eu
install -d -o shop /srv/shop/log /srv/shop/reports /srv/shop/backup /srv/shop/mail
install legacy/sendmail /usr/sbin/sendmail
sh legacy/crontab.sh
exec supervisord --configuration legacy/supervisord.conf
