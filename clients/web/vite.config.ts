import { defineConfig } from "vite";

/** Each page: what its script begins with. */
const PAGES: Readonly<Record<string, string>> = {
  paywall: "page/main.ts",
  merchant: "merchant/main.ts",
};

/**
 * One page, `vite build --mode paywall` or `--mode merchant`: one script and one style sheet, under fixed names that its
 * document refers to.
 */
export default defineConfig(({ mode }) => {
  const input = PAGES[mode];
  if (input === undefined) throw new Error(`--mode ${mode} is none of ${Object.keys(PAGES).join(" and ")}`);
  return {
    base: "./",
    publicDir: false,
    build: {
      outDir: "dist",
      emptyOutDir: false,
      target: "es2022",
      modulePreload: false,
      reportCompressedSize: false,
      rollupOptions: {
        input,
        output: {
          entryFileNames: `${mode}.js`,
          assetFileNames: `${mode}[extname]`,
          codeSplitting: false,
        },
      },
    },
  };
});
