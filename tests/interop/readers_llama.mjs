// Runs every model of texts.json in an unmodified llama.cpp, the one that the package node-llama-cpp brings along, and
// compares its greedy text with ours.
//
//   node readers_llama.mjs FOLDER      the package: in node_modules of the folder that FISSILE_NODE_FOLDER names
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const skip = (why) => {
  console.log(`SKIPPED: ${why}`);
  process.exit(77);
};
const packages = process.env.FISSILE_NODE_FOLDER;
if (!packages) skip("FISSILE_NODE_FOLDER does not name a folder where npm has installed node-llama-cpp");
const entry = join(packages, "node_modules", "node-llama-cpp", "dist", "index.js");
if (!existsSync(entry)) skip(`no package node-llama-cpp in ${packages}`);
const { getLlama } = await import(pathToFileURL(entry));

const folder = process.argv[2];
const texts = JSON.parse(readFileSync(join(folder, "texts.json"), "utf8"));
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
let wrong = 0;
for (const file of new Set(texts.map((text) => text.file))) {
  const model = await llama.loadModel({ modelPath: join(folder, file) });
  let same = 0;
  const all = texts.filter((text) => text.file === file);
  for (const { prompt, tokens, text } of all) {
    const context = await model.createContext({ contextSize: 256, threads: 1, sequences: 1 });
    const sequence = context.getSequence();
    const made = [];
    const start = [model.tokens.bos, ...model.tokenize(prompt)];
    for await (const token of sequence.evaluate(start, { temperature: 0 })) {
      if (model.isEogToken(token)) break;
      made.push(token);
      if (made.length === tokens) break;
    }
    await context.dispose();
    const got = model.detokenize([...start, ...made]).trim();
    if (got === (prompt + text).trim()) {
      ++same;
    } else {
      console.log(`${file}: ours:      ${JSON.stringify(prompt + text)}\n${file}: llama.cpp: ${JSON.stringify(got)}`);
    }
  }
  console.log(`${file}: ${same} of ${all.length} texts equal`);
  wrong += all.length - same;
  await model.dispose();
}
process.exit(wrong === 0 && texts.length > 0 ? 0 : 1);
