// Between a block as the server knows it and the fields of its form. Fields are
// named by their place in the block: "label", "picture.src", "links-0-href".
const ROW = /^(\w+)-(\d+)-(\w+)$/;
// What a form sends to the server besides the block.
const NOT_OF_IT = new Set(["csrf_token", "version", "key", "op", "id", "type", "after"]);

const controls = (form) => [...form.elements].filter((field) => field.name && !NOT_OF_IT.has(field.name));
const copied = (value) => JSON.parse(JSON.stringify(value));

/** The name of a new block. */
export function newId() {
  return `b${[...crypto.getRandomValues(new Uint8Array(5))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** What a field holds. */
function held(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.type === "number" || field.dataset.number !== undefined) return Math.trunc(Number(field.value)) || 0;
  return field.value;
}

/** The block that stands in an item of the list. What no field shows stays as the server sent it. */
export function read(item) {
  const block = { ...JSON.parse(item.dataset.props), id: item.dataset.block, type: item.dataset.type };
  const rows = {};
  for (const field of controls(item.querySelector("form"))) {
    if (field.type === "radio" && !field.checked) continue;
    const row = ROW.exec(field.name);
    if (row) ((rows[row[1]] ??= {})[row[2]] ??= {})[row[3]] = held(field);
    else put(block, field.name.split("."), held(field));
  }
  for (const [name, found] of Object.entries(rows)) {
    block[name] = Object.values(found).filter((each) => Object.values(each).some(Boolean));
  }
  return withoutEmptyPictures(block);
}

function put(block, path, value) {
  let place = block;
  for (const step of path.slice(0, -1)) place = place[step] = { ...place[step] };
  place[path.at(-1)] = value;
}

// A picture without an address is none; only a picture block has always one.
function withoutEmptyPictures(block) {
  for (const part of [block, block.left, block.right]) {
    if (part?.picture && !part.picture.src && !(part === block && block.type === "image")) part.picture = null;
  }
  return block;
}

/** Show a block in its fields; only what differs is touched. */
export function show(item, block) {
  item.dataset.props = JSON.stringify(block);
  const form = item.querySelector("form");
  for (const list of form.querySelectorAll("[data-rows]")) fitRows(list, (block[list.dataset.rows] ?? []).length);
  for (const field of controls(form)) {
    const row = ROW.exec(field.name);
    const path = row ? [row[1], Number(row[2]), row[3]] : field.name.split(".");
    const value = path.reduce((place, step) => place?.[step], block);
    set(field, value ?? "");
  }
}

function set(field, value) {
  const rich = field.closest("lk-richtext");
  if (field.type === "checkbox") field.checked = value === true;
  else if (field.type === "radio") field.checked = field.value === String(value);
  else if (rich) rich.value = value;
  else if (field.value !== String(value)) field.value = value;
  field.dispatchEvent(new CustomEvent("lk:shown", { bubbles: true }));
}

/** Have as many rows as there are links, and one to write in. */
export function fitRows(list, count) {
  const most = Number(list.dataset.most);
  const wanted = Math.min(Math.max(count, 1), most);
  while (list.children.length > wanted) list.lastElementChild.remove();
  while (list.children.length < wanted) addRow(list);
}

/** Add a row at the end and return it; null when there are as many as there may be. */
export function addRow(list) {
  if (list.children.length >= Number(list.dataset.most)) return null;
  const made = document.createElement("template");
  const template = list.parentElement.querySelector("template[data-row]");
  made.innerHTML = template.innerHTML.replaceAll("-99-", `-${list.children.length}-`);
  list.append(made.content);
  return list.lastElementChild;
}

/** An item of the list for a block, from the page's template of its kind. */
export function made(block) {
  const template = document.querySelector(`template[data-new="${block.type}"]`);
  const holder = document.createElement("template");
  holder.innerHTML = template.innerHTML.replaceAll("b0000000000", block.id);
  const item = holder.content.firstElementChild;
  show(item, { ...JSON.parse(item.dataset.props), ...copied(block) });
  return item;
}

/** A new block of a kind, as the page's template has it. */
export function fresh(type) {
  const item = document.querySelector(`template[data-new="${type}"]`).content.firstElementChild;
  return { ...JSON.parse(item.dataset.props), type, id: newId() };
}

/** The first words of a block, for the line that stands for it while it is closed. */
export function firstWords(block) {
  const words = [block.title, block.text, block.question, block.label, block.html, block.sponsor, block.source, block.url];
  words.push(block.left?.title, block.left?.html, block.picture?.alt, block.links?.map((link) => link.name).join(", "));
  if (block.type === "spacer") return `${block.height} px`;
  const found = words.find((each) => plain(each ?? ""));
  return found ? plain(found) : "";
}

function plain(html) {
  return html.replace(/<(?:br|\/p|\/li)>/g, " ").replace(/<[^>]+>/g, "").replace(/&nbsp;/g, " ").replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">").replace(/&amp;/g, "&").replace(/\s+/g, " ").trim();
}
