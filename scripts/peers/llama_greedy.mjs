// Greedy continuations by stock llama.cpp (node-llama-cpp), many prompts in one process.
// usage: node llama_greedy.mjs MODEL.gguf '{"prompts": [[1,2],"text"], "n": 64, "lora": null}'
// prints one JSON line: [{"prompt": ids, "greedy": ids, "chatTemplate": ...}, ...]; exits 1 when llama.cpp refuses the file.
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const require = createRequire(process.cwd() + "/");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const [modelPath, request] = [process.argv[2], JSON.parse(process.argv[3])];
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, progressLogs: false});

let model;
try {
    model = await llama.loadModel({modelPath});
} catch (error) {
    console.error("refused:", error.message);
    process.exit(1);
}
// One thread: on small models and few cores llama.cpp's threads mostly wait for each other. Keys and values in F32
// and plain attention: rounded to F16, as by default, logits move by 1e-3, and a mixture chooses other experts.
const context = await model.createContext({
    contextSize: Math.min(2048, model.trainContextSize), threads: 1, flashAttention: false,
    experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32",
    lora: request.lora ? {adapters: [{filePath: request.lora}]} : undefined
});
const sequence = context.getSequence();
const answers = [];
for (const item of request.prompts) {
    await sequence.clearHistory();
    const prompt = typeof item === "string" ? model.tokenize(item) : item;
    const greedy = [];
    for await (const token of sequence.evaluate(prompt, {temperature: 0})) {
        greedy.push(token);
        if (greedy.length >= request.n) break;
    }
    answers.push({prompt, greedy, chatTemplate: model.fileInfo.metadata.tokenizer?.chat_template ?? null});
}
// process.exit() would cut what a pipe has not taken yet.
process.stdout.write(JSON.stringify(answers) + "\n", () => process.exit(0));
