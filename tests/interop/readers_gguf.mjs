// Reads every GGUF file of a listing with Hugging Face's reader and compares keys, names, types, extents and bytes.
//
//   node readers_gguf.mjs FOLDER       the package: in node_modules of the folder that FISSILE_NODE_FOLDER names
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const skip = (why) => {
  console.log(`SKIPPED: ${why}`);
  process.exit(77);
};
const packages = process.env.FISSILE_NODE_FOLDER;
if (!packages) skip("FISSILE_NODE_FOLDER does not name a folder where npm has installed @huggingface/gguf");
let reader;
try {
  reader = createRequire(join(packages, "package.json"))("@huggingface/gguf");
} catch {
  skip(`no package @huggingface/gguf in ${packages}`);
}

const hashOf = (bytes) => {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return String(hash >>> 0);
};
const wordOf = (value) => (Array.isArray(value) ? value.map(String).join(",") : String(value));

const folder = process.argv[2];
const wanted = new Map(); // by file: lines
for (const line of readFileSync(join(folder, "listing.txt"), "utf8").trimEnd().split("\n")) {
  const [, file] = line.split("\t");
  if (file.endsWith(".gguf")) wanted.set(file, [...(wanted.get(file) ?? []), line]);
}

let tensors = 0;
let wrong = 0;
for (const [file, lines] of wanted) {
  const path = join(folder, file);
  const bytes = readFileSync(path);
  const read = await reader.gguf(path, { typedMetadata: true, allowLocalFile: true });
  const found = [];
  for (const [key, { value, type }] of Object.entries(read.typedMetadata)) {
    if (["version", "tensor_count", "kv_count"].includes(key)) continue; // of the reader's own making
    found.push(["key", file, key, type, wordOf(value)].join("\t"));
  }
  for (const { name, dtype, shape, offset } of read.tensorInfos) {
    const listed = lines.find((line) => line.startsWith(`tensor\t${file}\t${name}\t`));
    const size = listed ? Number(listed.split("\t")[5]) : 0;
    const first = Number(read.tensorDataOffset + offset);
    const data = bytes.subarray(first, first + size);
    found.push(["tensor", file, name, dtype, shape.map(String).join(","), data.length, hashOf(data)].join("\t"));
    ++tensors;
  }
  const missing = lines.filter((line) => !found.includes(line));
  const others = found.filter((line) => !lines.includes(line));
  for (const line of missing) console.log(`not read:  ${line}`);
  for (const line of others) console.log(`read only: ${line}`);
  wrong += missing.length + others.length;
}
console.log(`${wanted.size} files, ${tensors} tensors, ${wrong} differences`);
process.exit(wrong === 0 && tensors > 0 ? 0 : 1);
