// Starts ReDoc over the schema that the page names; its styles carry the page's nonce.
const element = document.getElementById("redoc");
window.Redoc.init(element.dataset.schema, { nonce: element.dataset.nonce, hideDownloadButton: false }, element);
