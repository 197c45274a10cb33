// What comes from the clipboard, before the editor's schema drops all that a
// letter cannot hold: word processors say bold, slanted and "a list" by styles,
// and other products write their merge tags in their own way.
import { translated } from "./merge_tags.js";
import { markTags, sound } from "./rich_html.js";

const SAID = [
  [/font-weight:\s*(?:bold|[6-9]00)/i, "strong"],
  [/font-style:\s*italic/i, "em"],
  [/text-decoration[^;]*:\s*[^;]*underline/i, "u"],
  [/text-decoration[^;]*:\s*[^;]*line-through/i, "s"],
];
const NOTHING = "script, style, meta, link, title, template, noscript, svg, math, object, iframe, form, input, select, button";

/** The pasted HTML as simple HTML with marked tags; `told` hears of every tag of another product. */
export function cleaned(html, told) {
  const { body } = new DOMParser().parseFromString(harmless(html), "text/html");
  for (const element of body.querySelectorAll(NOTHING)) element.remove();
  wordLists(body);
  for (const element of body.querySelectorAll("*")) plain(element);
  for (const link of body.querySelectorAll("a")) if (!sound(link.getAttribute("href"))) link.replaceWith(...link.childNodes);
  translate(body, told);
  markTags(body);
  return body.innerHTML;
}

// What a style says is read as text, and nothing of a foreign page takes effect, not even while it is parsed.
function harmless(html) {
  return html
    .replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=/i, " data-style=").replace(/\son\w+\s*=/gi, " data-on="));
}

/** The same for plain text: an empty line parts paragraphs. */
export function paragraphs(text, told) {
  const body = document.createElement("div");
  for (const part of translated(text, told).split(/\n\s*\n/)) {
    const paragraph = document.createElement("p");
    part.trim().split("\n").forEach((line, place) => paragraph.append(...(place ? [document.createElement("br"), line] : [line])));
    body.append(paragraph);
  }
  markTags(body);
  return body;
}

function plain(element) {
  const style = element.dataset.style ?? "";
  const usual = /font-weight:\s*(?:normal|400)/i.test(style);
  const href = element.getAttribute("href");
  for (const { name } of [...element.attributes]) element.removeAttribute(name);
  if (href !== null) element.setAttribute("href", href);
  // Google Docs puts a whole letter into a <b> that is not bold.
  if (element.matches("b, strong") && usual) return element.replaceWith(...element.childNodes);
  if (element.matches("h1, h2, h3, h4, h5, h6")) return wrap(element, "strong");
  if (!element.matches("span, p, li, td, font")) return;
  for (const [says, name] of SAID) if (says.test(style) && !(name === "u" && (element.closest("a") || element.querySelector("a")))) wrap(element, name);
}

function wrap(element, name) {
  if (!element.textContent.trim()) return;
  const around = document.createElement(name);
  around.append(...element.childNodes);
  element.append(around);
}

// Word writes an item of a list as a paragraph with a bullet typed before it.
function wordLists(body) {
  let list = null;
  for (const paragraph of body.querySelectorAll("p[class*=MsoListParagraph], p[data-style*=mso-list]")) {
    const marker = [...paragraph.querySelectorAll("[data-style]")].find((each) => /mso-list:\s*Ignore/i.test(each.dataset.style));
    const numbered = /^\s*[\da-z]{1,3}[.)]/i.test(marker?.textContent ?? "");
    marker?.remove();
    const item = document.createElement("li");
    item.append(...paragraph.childNodes);
    const kind = numbered ? "OL" : "UL";
    if (!list || list.nextElementSibling !== paragraph || list.tagName !== kind) {
      list = document.createElement(kind);
      paragraph.before(list);
    }
    list.append(item);
    paragraph.remove();
  }
}

function translate(body, told) {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = translated(walker.currentNode.data, told);
}
