#!/bin/sh
set -e

# The ledger in /var/lib/mcaledger and the configuration are kept, also by purge: they are records.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
