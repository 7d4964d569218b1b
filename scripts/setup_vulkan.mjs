// Software Vulkan drivers for Dawn in Node on Debian 12: `node scripts/setup_vulkan.mjs [FOLDER]` (default .cache/vulkan).
//   lvp_icd.json          lavapipe, of the Mesa in the distribution's backports: Debian 12's own is too old for Dawn
//   swiftshader_icd.json  SwiftShader, which the chromium package carries
// Installs packages as root, but neither changes the machine's lists of sources nor takes anything from backports but one library.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL("../.cache/vulkan", import.meta.url)));
const drivers = [
  { name: "lvp", library: "libvulkan_lvp.so", version: "1.4.305" },
  { name: "swiftshader", library: "libvk_swiftshader.so", version: "1.0.5" },
];

if (drivers.every(({ name, library }) => existsSync(join(folder, `${name}_icd.json`)) && existsSync(join(folder, library))))
  process.exit(0);
if (process.platform !== "linux" || process.arch !== "x64") fail("there are drivers for Linux on x64 only: use the machine's own");

mkdirSync(folder, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "vulkan-"));
try {
  apt(["update", "-qq"]);
  // The loader, and what lavapipe links against, come with the stock driver's package.
  apt(["install", "-y", "-qq", "--no-install-recommends", "libvulkan1", "mesa-vulkan-drivers"]);
  copyFileSync(join(lavapipe(), "usr/lib/x86_64-linux-gnu/libvulkan_lvp.so"), join(folder, "libvulkan_lvp.so"));
  copyFileSync(swiftShader(), join(folder, "libvk_swiftshader.so"));
  for (const { name, library, version } of drivers) {
    const icd = { file_format_version: "1.0.0", ICD: { api_version: version, library_path: join(folder, library) } };
    writeFileSync(join(folder, `${name}_icd.json`), `${JSON.stringify(icd)}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Backports from a list of their own, beside the machine's. */
function lavapipe() {
  const targets = run("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).split("\n");
  const archive = targets.find((uri) => uri !== "" && !uri.includes("security"));
  if (!archive) fail("apt-get knows no archive");
  for (const path of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(scratch, path), { recursive: true });
  const list = join(scratch, "sources.list");
  writeFileSync(list, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive} bookworm-backports main\n`);
  const own = {
    "Dir::Etc::sourcelist": list,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::Lists": join(scratch, "lists"),
    "Dir::Cache": join(scratch, "cache"),
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(own).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  apt([...options, "update", "-qq"]);
  return unpack("mesa-vulkan-drivers", [...options, "download", "-qq", "mesa-vulkan-drivers/bookworm-backports"]);
}

function swiftShader() {
  const installed = "/usr/lib/chromium/libvk_swiftshader.so";
  if (existsSync(installed)) return installed;
  return join(unpack("chromium", ["download", "-qq", "-o", "APT::Sandbox::User=root", "chromium"]), installed);
}

function unpack(name, download) {
  execFileSync("apt-get", download, { cwd: scratch, stdio: ["ignore", "ignore", "inherit"] });
  const archive = readdirSync(scratch).find((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"));
  if (!archive) fail(`apt-get downloaded no ${name}`);
  execFileSync("dpkg", ["-x", archive, name], { cwd: scratch });
  return join(scratch, name);
}

function apt(given) {
  const isRoot = process.getuid?.() === 0;
  const [command, ...first] = isRoot ? ["apt-get"] : ["sudo", "apt-get"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync(command, [...first, ...given], { stdio: ["ignore", "ignore", "inherit"], env });
}

function run(command, given) {
  return execFileSync(command, given, { encoding: "utf8" });
}

function fail(message) {
  console.error(`setup_vulkan: ${message}`);
  process.exit(1);
}
