// Restores photos on the visitor's device: the page's side of worker.js, one job at a time.
// server_engine.js does the same with the server; site.json says which of the two a page has.

export class Engine {
  about = "It is done on this device: your photo is never sent anywhere.";
  begins = "Loading the model ...";
  #worker = null;
  #stop = null;

  constructor({ runtime }) {
    this.runtime = runtime;
  }

  /**
   * Restores a photo.
   *
   * @param photo {picture: {data, width, height}}, RGBA.
   * @param model an entry of `models` in site.json.
   * @param report called with the number of tiles done, from 0 on, and of all tiles.
   * @returns {picture}; rejects with an AbortError after `cancel`, else with the fault.
   */
  restore({ picture }, model, report) {
    this.#worker ??= new Worker("worker.js");
    return new Promise((resolve, reject) => {
      const fail = (sentence) => {
        this.#end(); // what failed once, for want of memory perhaps, is not used again
        reject(new Error(sentence));
      };
      this.#stop = reject;
      this.#worker.onmessage = ({ data }) => {
        if (data.restored) resolve({ picture: data.restored });
        else if (data.error) fail(data.error);
        else report(data.done, data.of);
      };
      this.#worker.onerror = (event) => fail(event.message || "The browser cannot run the model.");
      const { width, height } = picture;
      const copy = { width, height, data: new Uint8ClampedArray(picture.data) };
      const job = { picture: copy, model, runtime: this.runtime };
      this.#worker.postMessage(job, [copy.data.buffer]);
    });
  }

  /** Stops at once, in the middle of a tile; the next job loads the model again. */
  cancel() {
    this.#end();
    this.#stop?.(new DOMException("Cancelled.", "AbortError"));
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}
