#!/bin/sh
# Licensed under the Apache License, Version 2.0; see LICENSE.
# Inside the copy of the system: install the package, enable it, use the lines of the README, remove it.
set -eu
cd /tmp/try
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
# httpd's locks are semaphores there.
mount -t tmpfs tmpfs /dev/shm
# What a booted system has.
mkdir -p /run/lock
ip link set lo up
rm -f /usr/lib/apache2/modules/mod_oauth2_rs.so
dpkg -i libapache2-mod-oauth2-rs_*.deb > dpkg.log 2>&1 || { cat dpkg.log; exit 1; }
a2enmod -q oauth2_rs
apache2ctl configtest 2>&1 | grep "Syntax OK"
a2dismod -q oauth2_rs && a2enmod -q oauth2_rs
/usr/bin/python3 use.py
dpkg -P libapache2-mod-oauth2-rs > dpkg.log 2>&1 || { cat dpkg.log; exit 1; }
[ ! -e /etc/apache2/mods-enabled/oauth2_rs.load ] || { echo "purging left the module enabled"; exit 1; }
apache2ctl configtest 2>&1 | grep "Syntax OK"
man -w mod_oauth2_rs > /dev/null 2>&1 && { echo "purging left the manual page"; exit 1; }
echo "# Debian: installed, enabled, used as the README says, purged"
