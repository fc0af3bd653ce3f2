// Runs a wasm32-wasip1 program: node --no-warnings wasi.mjs MODULE FOLDER [ARGUMENT...]
// The program sees FOLDER, under the same name, and nothing else. Ends with the program's exit status, or with
// 134 (as a process that aborts) if it trapped.
import { readFile } from 'node:fs/promises'
import { WASI } from 'node:wasi'

const [path, folder, ...args] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node --no-warnings wasi.mjs MODULE FOLDER [ARGUMENT...]')
  process.exit(2)
}
const wasi = new WASI({ version: 'preview1', args: [path, ...args], preopens: { [folder]: folder }, returnOnExit: true })
const module = await WebAssembly.compile(await readFile(path))
const instance = await WebAssembly.instantiate(module, wasi.getImportObject())
try {
  process.exitCode = wasi.start(instance)
} catch (error) {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error
  console.error(`${path}: ${error.message}`)
  process.exitCode = 134
}
