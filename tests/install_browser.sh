#!/bin/sh
# Makes sure that the browser tests find a Chromium: the system's own, installed where it is missing and we may.
set -e

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

for name in "${PARK_CHROMIUM:-chromium-headless-shell}" chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if ! may_install; then
    echo "The browser tests need Chromium, and there is none. Install it (Debian: apt-get install chromium" \
        "fonts-noto-cjk), or name one: PARK_CHROMIUM=/path/to/chromium make test" >&2
    exit 1
fi

echo "▸ Installing Chromium for the browser tests (once)"
install chromium-headless-shell fonts-noto-cjk || install chromium fonts-noto-cjk
