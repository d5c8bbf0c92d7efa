/** What the users slice brings to the console: the session, the sign-in card, links of mails, the account page. */

import { avatar } from "../../console/avatar.js";
import { announce, h } from "../../console/dom.js";
import { addArrival, addCard, addHeaderPart, addPage, emit, on, provideSession } from "../../console/registry.js";
import { dismissArrival, land, show } from "../../console/router.js";
import { takeLink } from "./mail_links.js";
import { takeReturn } from "./providers.js";
import { TabSession } from "./session.js";
import { accountView } from "./views/account.js";
import { mailLinkCard } from "./views/mail_link.js";
import { signInCard, welcomeCard } from "./views/sign_in.js";

const session = new TabSession();
provideSession(session);

let returned = takeReturn(); // what a provider sent the browser back with, until a view has used it
let message = {}; // what the sign-in card says: {reason, outcome}, and the face that it shows next

/** What a provider sent back for this purpose, once. */
function takeReturned(purpose) {
  const found = returned?.purpose === purpose ? returned : null;
  if (found) returned = null;
  return found;
}

addCard(() => {
  // A provider's answer does not replace a session that is still valid.
  const back = session.tokens.isSignedIn ? null : takeReturned("sign-in");
  if (session.user) return welcomeCard(session.user);
  const { face, ...words } = message;
  message = words; // the texts stay until the user signs in
  return signInCard(session, { ...message, face, returned: back });
});

async function signOut() {
  emit("signing-out");
  await session.signOut();
  announce("You are signed out.");
}

addHeaderPart((page) => {
  const { user } = session;
  if (!user) return null;
  const name = h("span", { class: "name" }, h("span", { class: "hidden" }, "Signed in as "), user.name, h("span", { class: "hidden" }, ", your account"));
  return [
    h("a", { class: "me", href: "#/account", "aria-current": page === "account" ? "page" : null }, avatar(user.id, user.name), name),
    h("button", { type: "button", class: "quiet", on: { click: signOut } }, "Sign out"),
  ];
});

addPage("account", { open: () => accountView(session, { signOut, returned: takeReturned("link") }) });

/** The user is done with the link of a mail. */
function leaveLink({ outcome = "", face = "sign-in", isSignedOut = false } = {}) {
  dismissArrival();
  // The server has ended every session of that account. The one in this tab may be of another account; it ends as
  // well, because the user wants to sign in with the new password.
  if (isSignedOut && session.user) {
    emit("signing-out");
    session.signOut();
  }
  if (session.user) {
    land();
    return;
  }
  message = { outcome, face };
  show();
  if (outcome) announce(outcome);
  document.getElementById("email").focus();
}

addArrival(() => {
  const link = takeLink();
  if (!link) return null;
  const card = mailLinkCard(link, { session, leave: leaveLink }); // one card: the link is good for one use
  return () => ({ card, heading: card.querySelector("h2"), title: "Link from a mail" });
});

on("signed-in", () => {
  message = {};
});
on("signed-out", ({ reason }) => {
  message = { reason };
});
on("start", () => session.resume());
