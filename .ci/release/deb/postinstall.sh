#!/bin/sh
set -e

if [ "$1" = configure ]; then
	if ! getent passwd mcaledger >/dev/null; then
		useradd --system --user-group --no-create-home --home-dir /var/lib/mcaledger --shell /usr/sbin/nologin mcaledger
	fi
	chown root:mcaledger /etc/mcaledger
	chown mcaledger:mcaledger /var/lib/mcaledger
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	if [ -z "$2" ]; then
		cat <<-'EOF'
			mcaledger is installed. Next, as described in /usr/share/doc/mcaledger/getting-started.md:
			  1. write /etc/mcaledger/mcaledger.yaml
			  2. sudo -u mcaledger mcaledger --config /etc/mcaledger/mcaledger.yaml doctor
			  3. sudo systemctl enable --now mcaledger.timer
		EOF
	fi
fi
