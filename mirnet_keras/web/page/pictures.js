// Picture files in and out, with what the browser has.

const MOST_PIXELS = 2 ** 28; // of a canvas, in the browsers that take least

/** Decodes a file, turned upright, transparency on white; gives ImageData. */
export async function readPicture(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error("This file is no picture that the browser can read. Try a JPEG or a PNG.");
  }
  const { width, height } = bitmap;
  refuseTooLarge(width, height);
  const context = canvasContext(new OffscreenCanvas(width, height));
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** Throws when a browser could not show so large a picture. */
export function refuseTooLarge(width, height) {
  if (width * height <= MOST_PIXELS) return;
  throw new Error(
    `A picture of ${width} x ${height} pixels is too large for a browser. ` +
      "Use the command mirnet-keras restore.",
  );
}

/** Shows a picture, {data, width, height}, in a canvas of its size. */
export function showPicture(canvas, { data, width, height }) {
  canvas.width = width;
  canvas.height = height;
  canvasContext(canvas).putImageData(new ImageData(data, width, height), 0, 0);
}

/** What a canvas shows, as a PNG file. */
export async function pngOf(canvas) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser has too little memory to save this picture.");
  return blob;
}

/** Puts a picture file among the visitor's downloads; `name` has no ending yet. */
export function saveFile(blob, name) {
  const ending = blob.type.replace("image/", "").replace("jpeg", "jpg");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once it is surely being saved
}

/** Mean luma, and the luma that 2 % of the pixels exceed: BT.601 in studio swing, 16..235. */
export function lightOf({ data }) {
  const counts = new Uint32Array(256);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    const luma = 16 + (65.481 * data[i] + 128.553 * data[i + 1] + 24.966 * data[i + 2]) / 255;
    sum += luma;
    counts[Math.floor(luma)] += 1;
  }
  const pixels = data.length / 4;
  let highlights = 255;
  for (let above = counts[255]; above <= 0.02 * pixels; above += counts[highlights]) {
    highlights -= 1;
  }
  return { mean: sum / pixels, highlights };
}

function canvasContext(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}
