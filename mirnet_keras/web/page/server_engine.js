// Lets the server that gave the page restore photos: one request at a time, which can be aborted.
// It has the form of device_engine.js.

import { readPicture } from "./pictures.js";

export class Engine {
  about = "The server of this page does it: your photo is sent there, and not kept.";
  begins = "The server is restoring the photo ...";
  #request = null;

  /**
   * Restores a photo.
   *
   * @param photo {blob}: its file, sent as it is.
   * @param model an entry of GET /presets.
   * @returns {picture, file, remarks}: what the page shows, the server's file, and what was lost;
   *     rejects with an AbortError after `cancel`, else with the fault.
   */
  async restore({ blob }, model) {
    this.#request = new AbortController();
    const response = await this.#send(`restore?preset=${encodeURIComponent(model.name)}`, blob);
    if (!response.ok) throw new Error(await refusal(response));
    const file = await response.blob();
    return { picture: await readPicture(file), file, remarks: response.headers.get("Mirnet-Remarks") };
  }

  /** Stops waiting; the server, too, then does not begin. */
  cancel() {
    this.#request?.abort();
  }

  async #send(address, blob) {
    const headers = { "Content-Type": "application/octet-stream" }; // the server looks for itself
    const { signal } = this.#request;
    try {
      return await fetch(address, { method: "POST", body: blob, headers, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server cannot be reached. Is it still running?");
    }
  }
}

/** The server's sentence on why not, and when to come back. */
async function refusal(response) {
  const sentence = (await response.text()).trim();
  const seconds = response.headers.get("Retry-After");
  return seconds ? `${sentence} Try again in ${seconds} s.` : sentence;
}
