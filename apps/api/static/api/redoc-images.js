// ReDoc shows its maker's mark from a CDN. Pages here load nothing from elsewhere, so images of other sites stay empty.
const setAttribute = HTMLImageElement.prototype.setAttribute;
HTMLImageElement.prototype.setAttribute = function (name, value) {
  const foreign = name === "src" && !["data:", "blob:"].some((start) => String(value).startsWith(start))
    && new URL(value, location.href).origin !== location.origin;
  if (!foreign) setAttribute.call(this, name, value);
};
