// Between the HTML that is stored and what the editor holds. A merge tag stands
// in stored HTML byte for byte, quotes and angle brackets too, so tags are taken
// out before a parser sees them and put back when all else is escaped.
import { TAG } from "./merge_tags.js";

const MARKS = { link: "a", bold: "strong", italic: "em", underline: "u", strike: "s" };
const ORDER = Object.keys(MARKS);
const LINK = /^(?:https?:\/\/|mailto:|tel:|\{\{)/i;

/** The address if a letter may hold it, else null. */
export function sound(href) {
  const address = (href ?? "").trim();
  return LINK.test(address) ? address : null;
}

/** Put every tag in the texts and links of an element where the editor finds it. */
export function markTags(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const pieces = text.data.split(new RegExp(`(${TAG.source})`, "g"));
    if (pieces.length < 2) continue;
    text.replaceWith(...pieces.filter(Boolean).map((piece) => (piece.match(TAG)?.[0] === piece ? marked(piece) : piece)));
  }
}

function marked(tag) {
  const element = document.createElement("span");
  element.dataset.tag = tag;
  return element;
}

/** The body of a stored fragment, with its tags marked. */
export function parsed(html) {
  const tags = [];
  const word = `LK${Math.random().toString(36).slice(2)}x`;
  const hidden = html.replace(TAG, (tag) => `${word}${tags.push(tag) - 1}.`);
  const shown = (text) => text.replace(new RegExp(`${word}(\\d+)\\.`, "g"), (_, number) => tags[number]);
  const { body } = new DOMParser().parseFromString(hidden, "text/html");
  for (const link of body.querySelectorAll("a[href]")) link.setAttribute("href", shown(link.getAttribute("href")));
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = shown(walker.currentNode.data);
  markTags(body);
  return body;
}

/** What is stored of a document of the editor: always the same for the same words. */
export function stored(doc) {
  return blocks(doc);
}

function blocks(parent) {
  let made = "";
  parent.forEach((node) => {
    if (node.type.name === "paragraph") {
      const words = inline(node);
      if (words) made += `<p>${words}</p>`;
    } else {
      const name = node.type.name === "bulletList" ? "ul" : "ol";
      made += `<${name}>${items(node)}</${name}>`;
    }
  });
  return made;
}

// One paragraph in an item is its words; only more than one are paragraphs.
function items(list) {
  let made = "";
  list.forEach((item) => {
    const paragraphs = item.children.filter((node) => node.type.name === "paragraph").length;
    const [first] = item.children;
    const plain = paragraphs === 1 && first.type.name === "paragraph";
    const rest = plain ? item.copy(item.content.cut(first.nodeSize)) : item;
    made += `<li>${plain ? inline(first) : ""}${blocks(rest)}</li>`;
  });
  return made;
}

function inline(paragraph) {
  let made = "";
  let open = [];
  paragraph.forEach((node) => {
    const wanted = ORDER.flatMap((name) => node.marks.filter((mark) => mark.type.name === name));
    let same = 0;
    while (same < open.length && same < wanted.length && open[same].eq(wanted[same])) same += 1;
    made += closed(open.slice(same)) + wanted.slice(same).map(opening).join("");
    open = wanted;
    made += piece(node);
  });
  return (made + closed(open)).replace(/(?:<br>)+$/, "");
}

const closed = (marks) => marks.reduceRight((made, mark) => `${made}</${MARKS[mark.type.name]}>`, "");

function opening(mark) {
  if (mark.type.name !== "link") return `<${MARKS[mark.type.name]}>`;
  return `<a href="${mark.attrs.href.split(new RegExp(`(${TAG.source})`, "g")).map(attribute).join("")}">`;
}

const attribute = (part) => (part.startsWith("{{") ? part : part.replace(/&/g, "&amp;").replace(/"/g, "&quot;"));

function piece(node) {
  if (node.type.name === "mergeTag") return node.attrs.tag;
  if (node.type.name === "hardBreak") return "<br>";
  return node.text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\u00a0/g, "&nbsp;");
}
