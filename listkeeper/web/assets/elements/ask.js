// The composer's small questions, each a <dialog> of the page: where a link
// leads, which field of a person stands here, which kind of block to add.
import { composerWords } from "./composer_words.js";
import { taken, withFallback } from "./merge_tags.js";
import { snippets } from "./snippets.js";

/** Open a dialog and resolve with its form when it is sent, or with null; the focus goes back where it was. */
function answered(dialog, fill) {
  const before = document.activeElement;
  fill(dialog.querySelector("form"));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        before?.focus();
        resolve(dialog.returnValue || null);
      },
      { once: true },
    );
  });
}

/** Ask where a link leads: an address, "" for no link, null for no change. */
export async function askLink(href) {
  const dialog = document.getElementById("ask-link");
  const { elements } = dialog.querySelector("form");
  const said = await answered(dialog, () => {
    elements.href.value = href;
    dialog.querySelector("[value=remove]").hidden = !href;
  });
  if (said === "remove") return "";
  if (said !== "done") return null;
  return whole(elements.href.value.trim());
}

/** What somebody types for an address, as one: "cafe.example" is a site, "me@cafe.example" a mailbox. */
export function whole(typed) {
  if (!typed || /^(?:[a-z][a-z+.-]*:|\{\{|\/)/i.test(typed)) return typed;
  return /^[^\s@/]+@[^\s@/]+$/.test(typed) ? `mailto:${typed}` : `https://${typed}`;
}

/** Ask which merge tag stands here, and what whoever has no such field reads; `before` is the one to change. */
export async function askTag(before = null) {
  const dialog = document.getElementById("ask-tag");
  const { elements } = dialog.querySelector("form");
  const { tags } = composerWords();
  const found = before && taken(before);
  const fallbackFor = () => {
    const chosen = tags[elements.tag.selectedIndex];
    dialog.querySelector("[data-fallback]").hidden = !taken(chosen.tag)?.path.startsWith("subscriber.");
  };
  elements.tag.onchange = fallbackFor;
  const said = await answered(dialog, () => {
    const known = tags.findIndex((each) => taken(each.tag)?.path === found?.path);
    elements.tag.selectedIndex = Math.max(known, 0);
    elements.fallback.value = found?.fallback ?? "";
    fallbackFor();
  });
  if (said !== "done") return null;
  return withFallback(tags[elements.tag.selectedIndex].tag, elements.fallback.value);
}

/** Ask which kind of block to add: {kind}, {snippet} or null. The pieces that are kept are read meanwhile. */
export async function askKind() {
  const dialog = document.getElementById("ask-kind");
  const blocks = dialog.querySelector("[data-pieces]");
  snippets("blocks").then((found) => {
    blocks.hidden = !found.length;
    blocks.querySelector("ul").replaceChildren(...found.map(({ id, name }) => choice(`snippet:${id}`, name)));
  });
  const said = await answered(dialog, () => {});
  if (!said) return null;
  const [what, name] = said.split(":");
  return { [what]: name };
}

/** Ask which piece in Markdown to put in; null for none. */
export async function askPiece() {
  const dialog = document.getElementById("ask-piece");
  const found = await snippets("markdown");
  dialog.querySelector("ul").replaceChildren(...found.map(({ id, name }) => choice(id, name)));
  dialog.querySelector("[data-none]").hidden = found.length > 0;
  const said = await answered(dialog, () => {});
  return found.find((each) => each.id === said) ?? null;
}

function choice(value, name) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("button"), { value, textContent: name, className: "secondary outline" }));
  return item;
}

/** Ask for a name; null for none. */
export async function askName(value) {
  const dialog = document.getElementById("ask-name");
  const { elements } = dialog.querySelector("form");
  const said = await answered(dialog, () => (elements.name.value = value));
  return said === "done" ? elements.name.value.trim() : null;
}
