/**
 * Attachments of messages: pictures are shown, other files are offered for download. Only members may load them, so each
 * is loaded with the access token and shown from memory, by a `blob:` address.
 */

import { api, data, isFailure, messageFor } from "../../../console/api.js";
import { announce, fill, h, icon } from "../../../console/dom.js";
import { sizeOf } from "../../../console/text.js";

const PICTURE = /^image\/(png|jpeg|webp|gif)$/;

/** The attachments of one room: `show(attachment)` returns an element, `stop()` releases what was loaded. */
export function attachmentLoader(slug) {
  const addresses = new Map(); // id → promise of an address

  function addressOf({ id }) {
    if (!addresses.has(id)) {
      const loaded = data(api.chatAttachmentsDownload({ path: { slug, attachment_id: id }, parseAs: "blob" })).then((file) => URL.createObjectURL(file));
      addresses.set(id, loaded);
      loaded.catch(() => addresses.delete(id));
    }
    return addresses.get(id);
  }

  function picture(attachment) {
    const { name, width, height } = attachment;
    const image = h("img", { alt: name, width, height, draggable: false });
    const link = h("a", { class: "picture", target: "_blank", rel: "noopener", "aria-label": `${name}, open the picture` }, image);
    const visible = new IntersectionObserver(async ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      visible.disconnect();
      try {
        image.src = link.href = await addressOf(attachment);
      } catch (error) {
        fill(link, messageFor(error));
      }
    });
    visible.observe(image);
    return link;
  }

  function file(attachment) {
    async function save(event) {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        h("a", { href: await addressOf(attachment), download: attachment.name }).click();
      } catch (error) {
        if (!isFailure(error)) throw error;
        announce(messageFor(error));
      } finally {
        button.disabled = false;
      }
    }
    return h("button", { type: "button", class: "file", on: { click: save } }, icon("file"), h("span", { class: "name" }, attachment.name), h("small", {}, sizeOf(attachment.size)), h("span", { class: "hidden" }, "download"));
  }

  async function stop() {
    for (const address of await Promise.allSettled(addresses.values())) if (address.value) URL.revokeObjectURL(address.value);
    addresses.clear();
  }

  return { show: (attachment) => (PICTURE.test(attachment.type) && attachment.width ? picture(attachment) : file(attachment)), stop };
}
