#!/bin/sh
# One archive for a machine without a network: this Node, the committed files, what `npm install` brought, and the Vulkan loader.
#   bench/gpu/pack.sh OUT.tar.gz
# On that machine, which needs nothing but the driver of its GPU: tar -xzf OUT.tar.gz && quern/bench/gpu/run.sh
set -eu
out=$(realpath -m "${1:?usage: bench/gpu/pack.sh OUT.tar.gz}")
cd "$(dirname "$0")/../.."
[ -d node_modules/webgpu ] || { echo "node_modules has no webgpu: run npm install first" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/quern/.gpu/lib"
git archive HEAD | tar -x -C "$folder/quern"
cp "$(node -p process.execPath)" "$folder/quern/.gpu/node"
cp -R node_modules "$folder/quern/node_modules"
# Builds of Dawn for other systems are most of its weight.
for build in "$folder"/quern/node_modules/webgpu/dist/*; do
  case $build in */linux-*) ;; *) rm -rf "$build" ;; esac
done
loader=$(ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*x86-64.* => //p' | head -n 1)
if [ -n "$loader" ]; then cp -L "$loader" "$folder/quern/.gpu/lib/libvulkan.so.1"
else echo "no libvulkan.so.1 here: that machine must have it" >&2; fi
tar -czf "$out" -C "$folder" quern
ls -l "$out"
