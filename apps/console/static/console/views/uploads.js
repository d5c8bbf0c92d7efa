/** Files that will go with the next message: chosen, dropped or pasted, and uploaded at once. */

import { api, data, isFailure, wordsOf } from "../api.js";
import { announce, fill, h, icon } from "../dom.js";
import { sizeOf } from "../text.js";

const MOST = 10; // files of one message, as the server has it

/**
 * The tray. `take(files)` uploads, `ready()` has what the server has answered for, `isBusy` tells whether something is
 * still on its way, `clear()` empties it. `changed()` is called whenever any of that differs.
 */
export function uploadTray(slug, { changed }) {
  let files = []; // {key, name, size, attachment, mistake}
  const list = h("ul", { class: "tray", hidden: true, "aria-label": "Files of your message" });

  function draw() {
    list.hidden = files.length === 0;
    fill(
      list,
      files.map((file) =>
        h(
          "li",
          { class: file.mistake ? "refused" : file.attachment ? "ready" : "loading" },
          icon("file"),
          h("span", { class: "name" }, file.name),
          h("small", {}, file.mistake ?? (file.attachment ? sizeOf(file.size) : "uploading …")),
          h("button", { type: "button", class: "tool", "aria-label": `Leave ${file.name} out`, on: { click: () => drop(file) } }, icon("cross")),
        ),
      ),
    );
    changed();
  }

  function drop(file) {
    files = files.filter((one) => one !== file);
    draw();
  }

  async function upload(file, chosen) {
    try {
      file.attachment = await data(api.chatAttachmentsUpload({ path: { slug }, body: { file: chosen } }));
      announce(`${file.name} is ready.`);
    } catch (error) {
      if (!isFailure(error)) throw error;
      file.mistake = wordsOf(error);
      announce(`${file.name} was not taken: ${file.mistake}`);
    }
    draw();
  }

  return {
    element: list,
    take(chosen) {
      for (const one of [...chosen].slice(0, MOST - files.length)) {
        const file = { name: one.name, size: one.size };
        files = [...files, file];
        upload(file, one);
      }
      draw();
    },
    ready: () => files.map((file) => file.attachment).filter(Boolean),
    get isBusy() {
      return files.some((file) => !file.attachment && !file.mistake);
    },
    clear() {
      files = [];
      draw();
    },
  };
}
