/** Mesa's software Vulkan driver as a graphics card: what ggml must be told before it computes on a processor. */

/**
 * The environment of a process that computes on it. ggml leaves devices that are processors out unless they are named;
 * with operations fused, Debian 12's driver (22.3) crashes at a second prefill of another length, under bare llama.cpp too.
 * A machine that names its own device (GGML_VK_VISIBLE_DEVICES) keeps it.
 */
export const softwareDevice: Record<string, string | undefined> = {
  GGML_VK_VISIBLE_DEVICES: process.env.GGML_VK_VISIBLE_DEVICES ?? "0",
  GGML_VK_DISABLE_FUSION: process.env.GGML_VK_DISABLE_FUSION ?? "1",
};
