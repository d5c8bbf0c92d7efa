// Starts ReDoc over the schema that the page names; its styles carry the page's nonce.
const place = document.getElementById("redoc");
window.Redoc.init(place.dataset.schema, { nonce: place.dataset.nonce, hideDownloadButton: false }, place);
