// AssemblyScript: a WebAssembly module of its own, on memory that is not shared (see ../matrix-kernels.ts).
export { addRows, rowDots } from "./rows";
export { addSmall, dotSmall } from "./small";
