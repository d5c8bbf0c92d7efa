/**
 * Files of messages: pictures are shown, everything else is offered for download. They are for members, so each is
 * fetched with the token and kept in memory under an address of this page's own.
 */

import { api, data, isFailure, wordsOf } from "../api.js";
import { announce, fill, h, icon } from "../dom.js";
import { sizeOf } from "../text.js";

const PICTURE = /^image\/(png|jpeg|webp|gif)$/;

/** A shelf for one room: `show(attachment)` is an element, `stop()` lets go of what was fetched. */
export function attachmentShelf(slug) {
  const addresses = new Map(); // id → promise of an address

  function addressOf({ id }) {
    if (!addresses.has(id)) {
      const fetched = data(api.chatAttachmentsDownload({ path: { slug, attachment_id: id }, parseAs: "blob" })).then((file) => URL.createObjectURL(file));
      addresses.set(id, fetched);
      fetched.catch(() => addresses.delete(id));
    }
    return addresses.get(id);
  }

  function picture(attachment) {
    const { name, width, height } = attachment;
    const image = h("img", { alt: name, width, height, draggable: false });
    const link = h("a", { class: "picture", target: "_blank", rel: "noopener", "aria-label": `${name}, open the picture` }, image);
    const seen = new IntersectionObserver(async ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      seen.disconnect();
      try {
        image.src = link.href = await addressOf(attachment);
      } catch (error) {
        fill(link, wordsOf(error));
      }
    });
    seen.observe(image);
    return link;
  }

  function file(attachment) {
    async function save(event) {
      event.currentTarget.disabled = true;
      const button = event.currentTarget;
      try {
        h("a", { href: await addressOf(attachment), download: attachment.name }).click();
      } catch (error) {
        if (!isFailure(error)) throw error;
        announce(wordsOf(error));
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
