#!/usr/bin/env bash
# Makes the pictures in this folder: report.png and terminal.png from a real run on the virtual station,
# the others from the reference meter itself. Called by `make images`.
# Needs Chromium; on Debian it is installed if it is missing and the caller is root.
set -euo pipefail
images=$(cd "$(dirname "$0")" && pwd)
bin=$images/../../.venv/bin
"$bin/python" "$images/pressure_loss.py" "$images/pressure-loss.svg"
"$bin/python" "$images/error_curves.py" "$images"
"$bin/python" "$images/battery_life.py" "$images/battery-life.svg"
"$bin/python" "$images/display.py" "$images/display.svg"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v chromium > /dev/null; then
    [ "$(id -u)" -eq 0 ] || { echo 'make.sh: chromium is missing; on Debian: apt-get install chromium' >&2; exit 2; }
    apt-get install -qq -y chromium > /dev/null
fi

photograph() { # page, picture, width, height
    chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/chromium" \
        --screenshot="$2" --window-size="$3,$4" "file://$1" > "$work/chromium.log" 2>&1 || {
        cat "$work/chromium.log" >&2
        exit 1
    }
}

"$bin/python" "$images/terminal.py" "$work" > "$work/size"
read -r width height < "$work/size"
photograph "$work/terminal.html" "$images/terminal.png" "$width" "$height"
photograph "$work/first/report.html" "$images/report.png" 1100 1310
