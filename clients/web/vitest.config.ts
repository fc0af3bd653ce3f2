import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "library", include: ["tests/*.test.ts"] } },
      {
        test: {
          name: "stack",
          include: ["tests/stack/*.test.ts"],
          globalSetup: ["tests/stack/setup.ts"],
          // Blocks are mined once a second, and a story has several of them.
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
