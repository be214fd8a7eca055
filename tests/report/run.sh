#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - the page of mems-stress report in a browser: fetches the browser's driver once, then runs page.test.mjs and
# player.test.mjs.
#
# usage: run.sh FOLDER MEMS-STRESS
#
# FOLDER gets the driver (npm, by package-lock.json), the results and pages, and the screenshots, in shots/. Exit status 77
# (CTest takes that as skipped) where node, npm or a browser is missing (bootstrap.sh setup full), or npm cannot fetch the
# driver.
set -eu
export MEMS_STRESS_NO_HISTORY=1
here=$(cd "$(dirname "$0")" && pwd)
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || browser=
if [ -z "$browser" ] || ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: node, npm and chromium are wanted (bootstrap.sh setup full)"
    exit 77
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cp "$here/package.json" "$here/package-lock.json" "$here/page.test.mjs" "$here/player.test.mjs" "$here/browser.mjs" "$folder"
cd "$folder"
if ! cmp -s package-lock.json node_modules/.fetched; then
    if ! npm ci --no-audit --no-fund --loglevel=error; then
        echo "skipped: npm could not fetch what package-lock.json names"
        exit 77
    fi
    cp package-lock.json node_modules/.fetched
fi
PAGE_STRESS=$2 PAGE_CHROMIUM=$browser PAGE_HERE=$here exec node --test page.test.mjs player.test.mjs
