// Runs before ReDoc, whose bundle writes style elements without the page's nonce, and shows its maker's mark from a CDN.
// Here styles get the nonce, and images of other sites fail at once, so that nothing is loaded from elsewhere.
{
  const { nonce } = document.currentScript.dataset;
  const createElement = document.createElement;
  document.createElement = function (name, ...rest) {
    const element = createElement.call(this, name, ...rest);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };

  const isForeign = (source) =>
    !/^(data|blob):/.test(source) && new URL(source, location.href).origin !== location.origin;
  const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  const setAttribute = Element.prototype.setAttribute;
  const refuse = (image) => queueMicrotask(() => image.dispatchEvent(new Event("error")));
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    ...source,
    set(value) {
      if (isForeign(String(value))) refuse(this);
      else source.set.call(this, value);
    },
  });
  HTMLImageElement.prototype.setAttribute = function (name, value) {
    if (name === "src" && isForeign(String(value))) refuse(this);
    else setAttribute.call(this, name, value);
  };
}
