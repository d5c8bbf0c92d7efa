/** The files of the next message: chosen, dropped or pasted, and uploaded at once. */

import { api, data, isFailure, messageFor } from "../../../console/api.js";
import { announce, fill, h, icon } from "../../../console/dom.js";
import { sizeOf } from "../../../console/text.js";

const MAX_FILES = 10; // of one message, as on the server

/**
 * The list of uploads. `add(files)` uploads, `ready()` returns the finished attachments, `isBusy` is true while an
 * upload is running, `clear()` empties the list. `changed()` is called at each change.
 */
export function uploadList(slug, { changed }) {
  let files = []; // {name, size, attachment, error}
  const list = h("ul", { class: "uploads", hidden: true, "aria-label": "Files of your message" });

  function draw() {
    list.hidden = files.length === 0;
    fill(
      list,
      files.map((file) =>
        h(
          "li",
          { class: file.error ? "refused" : file.attachment ? "ready" : "loading" },
          icon("file"),
          h("span", { class: "name" }, file.name),
          h("small", {}, file.error ?? (file.attachment ? sizeOf(file.size) : "uploading …")),
          h("button", { type: "button", class: "tool", "aria-label": `Remove ${file.name}`, on: { click: () => remove(file) } }, icon("close")),
        ),
      ),
    );
    changed();
  }

  function remove(file) {
    files = files.filter((one) => one !== file);
    draw();
  }

  async function upload(file, chosen) {
    try {
      file.attachment = await data(api.chatAttachmentsUpload({ path: { slug }, body: { file: chosen } }));
      announce(`${file.name} is uploaded.`);
    } catch (error) {
      if (!isFailure(error)) throw error;
      file.error = messageFor(error);
      announce(`${file.name} was refused: ${file.error}`);
    }
    draw();
  }

  return {
    element: list,
    add(chosen) {
      for (const one of [...chosen].slice(0, MAX_FILES - files.length)) {
        const file = { name: one.name, size: one.size };
        files = [...files, file];
        upload(file, one);
      }
      draw();
    },
    ready: () => files.map((file) => file.attachment).filter(Boolean),
    get isBusy() {
      return files.some((file) => !file.attachment && !file.error);
    },
    clear() {
      files = [];
      draw();
    },
  };
}
