// Builds the studio's one script and one stylesheet, those that the composer has beside them, and the scripts of
// embedded forms, into ../static/build. The result is committed: nobody who installs listkeeper needs Node. `--check`
// builds in memory and compares byte for byte.
import { build, transform } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "..", "static", "build");

// The web component carries its stylesheet as a string: a page's policy lets a script's own sheet pass, a <style> not.
const sheetAsText = {
  name: "sheet-as-text",
  setup(made) {
    made.onLoad({ filter: /embed\/.*\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const result = await build({
  absWorkingDir: here,
  entryPoints: [
    "studio.js",
    "studio.css",
    "composer.js",
    "composer.css",
    "embed/listkeeper-form.js",
    "embed/listkeeper-frame.js",
    "embed/frame-page.js",
  ],
  entryNames: "[name]",
  plugins: [sheetAsText],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
  charset: "utf8",
  write: false,
});
const files = new Map(result.outputFiles.map((file) => [basename(file.path), Buffer.from(file.contents)]));

if (process.argv.includes("--check")) {
  const there = await readdir(folder);
  const wrong = there.filter((name) => !files.has(name));
  for (const [name, bytes] of files) {
    if (!there.includes(name) || !(await readFile(join(folder, name))).equals(bytes)) wrong.push(name);
  }
  if (wrong.length) {
    console.error(`static/build differs from its sources: ${wrong.join(", ")}. Run \`npm run build\`.`);
    process.exit(1);
  }
} else {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}
