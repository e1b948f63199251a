// Runs models away from the page's own thread. It is a classic worker, no module, because LiteRT.js
// loads its WebAssembly with importScripts.
//
// In: {picture: {data, width, height}, model: {file, tile, overlap, scale}, runtime: folder}.
// Out: {done, of} for each tile, then {restored: {data, width, height}}; or {error: a sentence}.

let loaded = null; // the last model and its file

self.onmessage = async ({ data: { picture, model, runtime } }) => {
  try {
    const { restoreInTiles } = await import("./tiling.js");
    const litert = await import(`./${runtime}/index.js`);
    const compiled = await compile(litert, model.file, runtime);
    const shape = [1, model.tile, model.tile, 3];
    const predict = (values) => run(litert, compiled, values, shape);
    const report = (done, of) => self.postMessage({ done, of });
    const restored = await restoreInTiles(predict, picture, model, report);
    self.postMessage({ restored }, [restored.data.buffer]);
  } catch (error) {
    self.postMessage({ error: error.message ?? String(error) });
  }
};

async function compile(litert, file, runtime) {
  if (loaded?.file === file) return loaded.compiled;
  if (loaded) loaded.compiled.delete();
  else await start(litert, new URL(`./${runtime}/`, self.location).href);
  loaded = null;
  const response = await fetch(file);
  if (!response.ok) throw new Error(`The model ${file} cannot be loaded (${response.status}).`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const compiled = await litert.loadAndCompile(bytes, { accelerator: "wasm" });
  loaded = { file, compiled };
  return compiled;
}

/** Starts LiteRT.js with a thread for each core, where the server's headers and the browser let it. */
async function start(litert, folder) {
  const threads = self.crossOriginIsolated && (await litert.supportsFeature("relaxedSimd"));
  // In a worker it would look for its files beside this one.
  self.Module = {
    locateFile: (name) => folder + name,
    mainScriptUrlOrBlob: threads ? `${folder}litert_wasm_threaded_internal.js` : undefined,
  };
  await litert.loadLiteRt(folder, { threads });
}

/** One call of the model; what LiteRT.js allocates is not collected, but has to be deleted. */
async function run(litert, compiled, values, shape) {
  const input = new litert.Tensor(values, shape);
  const [output] = await compiled.run([input]);
  const result = output.toTypedArray().slice();
  input.delete();
  output.delete();
  return result;
}
