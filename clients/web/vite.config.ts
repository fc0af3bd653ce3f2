import { defineConfig } from "vite";

/** The paywall page: one script and one style sheet, under fixed names that the paywall's document refers to. */
export default defineConfig({
  base: "./",
  publicDir: false,
  build: {
    outDir: "dist",
    target: "es2022",
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: "page/main.ts",
      output: {
        entryFileNames: "paywall.js",
        assetFileNames: "paywall[extname]",
        codeSplitting: false,
      },
    },
  },
});
