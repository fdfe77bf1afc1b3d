// AssemblyScript, not TypeScript: compiled by scripts/build-kernels.mjs to a WebAssembly module.
//
// Many threads run this module at once on one shared memory. So nothing here may write anywhere but into the regions
// that the caller names: no allocation, no module state, no constant tables (instantiation would write them again while
// other threads compute). The build fails if a data segment, a start function or a mutable global appears.
//
// What every function computes, with shapes and error bounds, stands in ../kernels.ts.
export { expInto, maximum, sumExp } from "./softmax";
export { top } from "./top";
export { argmax, combine, scatter, sum } from "./fuse";
export { dots } from "./dots";
