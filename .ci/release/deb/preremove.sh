#!/bin/sh
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now mcaledger.timer || true
	systemctl stop mcaledger.service || true
fi
