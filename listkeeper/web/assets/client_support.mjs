// Makes ../../rendering/css/client_support.json of the npm package `caniemail` (the data of caniemail.com, MIT): what each
// mail program does with a feature in its newest version that was tested, and the notes on it. `--check` makes it in
// memory and compares byte for byte.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const file = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "rendering", "css", "client_support.json");
const packageFile = require.resolve("caniemail/package.json");
const { name, version } = JSON.parse(await readFile(packageFile, "utf8"));
const licence = await readFile(join(dirname(packageFile), "LICENSE"), "utf8");
const raw = await readFile(require.resolve("caniemail/caniemail.json"), "utf8");
// JSON.parse would put keys that are whole numbers first, and the order says which version is the newest.
const source = JSON.parse(raw.replace(/"(\d+)":/g, '"_$1":'));

const PLATFORMS = {
  "desktop-app": "desktop",
  "desktop-webmail": "web",
  "mobile-webmail": "mobile web",
  "outlook-com": "web and new",
  "windows-mail": "Windows Mail",
};

// A version is a date (2019, 2021-03) or a program's own number, and some programs have had both. The file has the
// newest last; where it does not, there is a newer one of the same kind.
function newest(versions) {
  const names = Object.keys(versions);
  const last = names.at(-1);
  const alike = names.filter((key) => isDate(key) === isDate(last));
  return versions[alike.reduce((best, key) => (isNewer(key, best) ? key : best))];
}

function isDate(version) {
  return /^_?(?:19|20)\d\d(?:-\d\d)?$/.test(version);
}

function isNewer(one, other) {
  const [left, right] = [one, other].map((version) => version.match(/\d+/g).map(Number));
  for (let place = 0; place < Math.max(left.length, right.length); place += 1) {
    const difference = (left[place] ?? -1) - (right[place] ?? -1);
    if (difference) return difference > 0;
  }
  return false;
}

function plain(text) {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll("`", "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ")
    .trim();
}

function clientsOf(features) {
  const seen = new Set();
  for (const { stats } of features) {
    for (const [family, platforms] of Object.entries(stats)) {
      for (const platform of Object.keys(platforms)) seen.add(`${family}.${platform}`);
    }
  }
  return [...seen].sort();
}

function nameOf(client) {
  const [family, platform] = client.split(".");
  const { nicenames } = source;
  return `${nicenames.family[family] ?? family} (${PLATFORMS[platform] ?? nicenames.platform[platform] ?? platform})`;
}

// `stats`: one letter a client, in the order of `clients`: y, a (partly), n, u (unknown). `noted`: the notes by number,
// and which clients they are on.
function featureOf({ title, stats, notes_by_num: notes }, clients) {
  const said = clients.map((client) => {
    const [family, platform] = client.split(".");
    const versions = stats[family]?.[platform];
    return versions ? newest(versions) : "u";
  });
  const noted = {};
  said.forEach((cell, place) => {
    for (const [, number] of cell.matchAll(/#(\d+)/g)) {
      const note = notes?.[`_${number}`];
      if (note) (noted[number] ??= [plain(note), []])[1].push(place);
    }
  });
  const verdicts = said.map((cell) => (/^[yanu]/.test(cell) ? cell[0] : "u")).join("");
  const feature = { title: plain(title), stats: verdicts };
  return Object.keys(noted).length ? { ...feature, notes: Object.values(noted) } : feature;
}

const clients = clientsOf(source.data);
const features = [...source.data].sort((one, other) => (one.slug < other.slug ? -1 : 1));
const lines = features.map((feature) => `${JSON.stringify(feature.slug)}:${JSON.stringify(featureOf(feature, clients))}`);
const made = `{
"source":${JSON.stringify(`caniemail.com, by the npm package ${name} ${version}`)},
"updated":${JSON.stringify(source.last_update_date.slice(0, 10))},
"licence":${JSON.stringify(licence)},
"clients":${JSON.stringify(Object.fromEntries(clients.map((client) => [client, nameOf(client)])))},
"features":{
${lines.join(",\n")}
}
}
`;

if (process.argv.includes("--check")) {
  if ((await readFile(file, "utf8")) !== made) {
    console.error("rendering/css/client_support.json differs from its source. Run `node client_support.mjs`.");
    process.exit(1);
  }
} else {
  await writeFile(file, made);
}
