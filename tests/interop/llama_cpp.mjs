// Runs files in the llama.cpp that the npm package node-llama-cpp brings along, on one thread of the CPU.
//
//   node llama_cpp.mjs text DENSE CONVERTED...   greedy continuations of 20 prompts are the same in all files
//   node llama_cpp.mjs logits MODEL OUT          agrees with OUT.tokens and OUT.logits, as engine_logits writes them
//   node llama_cpp.mjs speed MODEL...            tokens a second, one at a time
//   node llama_cpp.mjs runs MODEL...             reads a few tokens, or fails
//
// The package is looked for in node_modules of the folder FISSILE_NODE_FOLDER, else of the current one. Ends with 77
// where it is not there.
import {existsSync, readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const entry = resolve(process.env.FISSILE_NODE_FOLDER || ".", "node_modules", "node-llama-cpp", "dist", "index.js");
if (!existsSync(entry)) {
  console.log(`skipped: the npm package node-llama-cpp is not in ${entry}`);
  process.exit(77);
}
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry));
const llama = await getLlama({gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error});

const prompts = ["Once upon a time", "There was a", "One day, a little girl", "The sun", "Tom and Lily", "A big red ball",
  "In the park", "She was happy", "The dog ran", "He said", "It was a cold day", "The bird", "Mom", "They played",
  "The tree was", "A boy named", "We went to", "The cat sat", "I like", "Then the"];

// Keys and values as our engine keeps them, where logits are compared with its own; else as llama.cpp does.
const asOurs = {experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", flashAttention: false};

// One context for each text: none sees what another left.
async function withSequence(model, act, cache = {}) {
  const context = await model.createContext({contextSize: 256, batchSize: 256, threads: 1, ...cache});
  try {
    return await act(context.getSequence());
  } finally {
    await context.dispose();
  }
}

// The likeliest of all tokens; the lowest of equals.
function likeliest(logits) {
  let best = -1;
  for (const [token, value] of logits)
    if (best < 0 || value > logits.get(best) || (value === logits.get(best) && token < best)) best = token;
  return best;
}

async function greedy(model, prompt, count) {
  return withSequence(model, async (sequence) => {
    let next = model.tokenize(prompt);
    const made = [];
    while (made.length < count) {
      const read = await sequence.controlledEvaluate(
        next.map((token, i) => i + 1 < next.length ? token : [token, {generateNext: {logits: true}}]));
      made.push(likeliest(read.at(-1).next.logits));
      next = [made.at(-1)];
    }
    return made;
  });
}

async function sameText([dense, ...converted]) {
  const models = [];
  for (const path of [dense, ...converted]) models.push(await llama.loadModel({modelPath: path}));
  const equal = converted.map(() => 0);
  for (const prompt of prompts) {
    const wanted = (await greedy(models[0], prompt, 24)).join(" ");
    for (let i = 0; i < converted.length; ++i)
      if ((await greedy(models[i + 1], prompt, 24)).join(" ") === wanted) ++equal[i];
  }
  converted.forEach((path, i) => console.log(`${path}: ${equal[i]} of ${prompts.length} prompts go on as in ${dense}`));
  return equal.every((count) => count === prompts.length);
}

async function sameLogits([path, out]) {
  const model = await llama.loadModel({modelPath: path});
  const bytes = readFileSync(out + ".logits");
  const ours = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const windows = readFileSync(out + ".tokens", "utf8").trim().split("\n").map((line) => line.trim().split(" ").map(Number));
  const tokens = windows.reduce((sum, one) => sum + one.length, 0), words = ours.length / tokens;
  let at = 0, agreed = 0;
  const apart = [];
  for (const window of windows) {
    const read = await withSequence(model, (sequence) =>
      sequence.controlledEvaluate(window.map((token) => [token, {generateNext: {logits: true}}])), asOurs);
    for (const {next} of read) {
      let best = 0, largest = 0, far = 0;
      for (let word = 0; word < words; ++word) {
        const own = ours[at * words + word];
        if (own > ours[at * words + best]) best = word;
        largest = Math.max(largest, Math.abs(own));
        far = Math.max(far, Math.abs(own - next.logits.get(word)));
      }
      agreed += best === likeliest(next.logits) ? 1 : 0;
      apart.push(far / largest);
      ++at;
    }
  }
  apart.sort((a, b) => a - b);
  const share = (part) => apart[Math.min(tokens - 1, Math.floor(part * tokens))].toExponential(1);
  console.log(`${path}: ${tokens} tokens, top-1 agrees for ${agreed}; largest difference of a logit over the largest ` +
    `logit of its token: median ${share(0.5)}, 99 % ${share(0.99)}, maximum ${share(1)}`);
  return agreed >= 0.98 * tokens && apart[Math.floor(0.5 * tokens)] < 1e-2;  // 16-bit files: inputs are rounded, too
}

async function speed(paths) {
  for (const path of paths) {
    const model = await llama.loadModel({modelPath: path});
    await withSequence(model, async (sequence) => {
      const ask = (token) => sequence.controlledEvaluate([[token, {generateNext: {logits: {filter: {tokens: [token]}}}}]]);
      for (let i = 0; i < 4; ++i) await ask(10 + i);
      const start = performance.now();
      let made = 0;
      for (; made < 200 && performance.now() - start < 10000; ++made) await ask(20 + made);
      console.log(`${path}: ${(1000 * made / (performance.now() - start)).toFixed(2)} tokens a second (${made} tokens)`);
    });
    await model.dispose();
  }
  return true;
}

async function runs(paths) {
  for (const path of paths) {
    const model = await llama.loadModel({modelPath: path});
    console.log(`${path}: ${(await greedy(model, prompts[0], 4)).join(" ")}`);
  }
  return true;
}

const [mode, ...files] = process.argv.slice(2);
const good = await {text: sameText, logits: sameLogits, speed, runs}[mode](files);
process.exit(good ? 0 : 1);
