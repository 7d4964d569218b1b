#!/bin/sh
# The WebGPU tests, `quern tune` and `quern profile` on the GPU of a Linux machine that needs no network, through Dawn for Node.
#   bench/gpu/run.sh [FOLDER]          where results are written (default: gpu-results)
# What it does is set by the environment:
#   NETWORKS         examples to tune and profile (default: resnet8 mobilenet-v2 resnet18)
#   TUNE_SECONDS     of search for each (default: 300; 0 leaves it out)      PROFILE_SECONDS  of measuring (default: 5)
#   TESTS            files for vitest (default: tests/gpu; empty leaves them out)
#   VK_ICD_FILENAMES a driver's file, where the Vulkan loader does not find it by itself
# The last lines say what failed; the exit code is 1 if anything did.
set -u
out=$(realpath -m "${1:-gpu-results}")
cd "$(dirname "$0")/../.."
mkdir -p "$out"

# What pack.sh brought along, where this is its folder.
if [ -x .gpu/node ]; then
  mkdir -p .gpu/bin
  ln -sf ../node .gpu/bin/node
  export PATH="$PWD/.gpu/bin:$PATH"
  ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || export LD_LIBRARY_PATH="$PWD/.gpu/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
command -v node >/dev/null || { echo "there is no Node: pack.sh brings one along" >&2; exit 1; }
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"
# Containers mount NVIDIA's driver where no loader looks.
nvidia=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
[ -n "${VK_ICD_FILENAMES:-}" ] || [ ! -f "$nvidia" ] || export VK_ICD_FILENAMES="$nvidia"
[ -z "${VK_ICD_FILENAMES:-}" ] || export VK_DRIVER_FILES="$VK_ICD_FILENAMES"
# The tests take the machine's own adapter, and all of them must run.
export QUERN_TEST_GPU=1 QUERN_TEST=full

failed=""
quern() { node --import tsx src/cli/main.ts "$@"; }
# Shows what a command prints and keeps it: `step NAME FILE COMMAND...`. Its output goes to a file first: a pipe that closes early
# would end a process that has work on the device.
step() {
  name=$1 file=$2
  shift 2
  echo "== $name"
  if "$@" >"$file" 2>&1; then cat "$file"; else cat "$file"; failed="$failed
  $name ($file)"; fi
}

step "adapter" "$out/adapter.txt" quern run examples/custom-op/custom-op.qn --random 1 --target webgpu
grep -q 'note: on ' "$out/adapter.txt" || exit 1

if [ -n "${TESTS-tests/gpu}" ]; then
  # The page needs a browser; where there is none, what it tests is said to be left out.
  browser=""
  [ -x /usr/bin/chromium ] || { browser="--exclude tests/gpu/page.test.ts"; echo "left out, for there is no /usr/bin/chromium: tests/gpu/page.test.ts"; }
  # shellcheck disable=SC2086
  step "tests" "$out/tests.txt" node node_modules/vitest/vitest.mjs run ${TESTS-tests/gpu} $browser
fi

for network in ${NETWORKS-resnet8 mobilenet-v2 resnet18}; do
  model="examples/$network/$network.qn"
  schedule="$out/$network.schedule"
  step "$network: every layer against the reference" "$out/$network.verify.txt" quern verify "$model" --target webgpu --schedule default
  step "$network: by default" "$out/$network.default.txt" \
    quern profile "$model" --target webgpu --schedule default --seconds "${PROFILE_SECONDS:-5}"
  [ "${TUNE_SECONDS:-300}" != 0 ] || continue
  step "$network: tuning" "$out/$network.tune.txt" \
    quern tune "$model" --target webgpu --seconds "${TUNE_SECONDS:-300}" --out "$schedule" --log "$out/$network.tuning.jsonl"
  [ -f "$schedule" ] || continue
  step "$network: tuned, against the reference" "$out/$network.tuned.verify.txt" \
    quern verify "$model" --target webgpu --schedule "$schedule"
  step "$network: tuned" "$out/$network.tuned.txt" \
    quern profile "$model" --target webgpu --schedule "$schedule" --seconds "${PROFILE_SECONDS:-5}"
done

[ -z "$failed" ] || { echo "== failed:$failed"; exit 1; }
echo "== all of it went well; results are in $out"
