// Where the API and the hub are. `/runtime-config.json` may name other hosts; without it, or with
// empty values, both are on the page's own origin, below its base path.

import { basePath, toAddress } from "./base.js";

const defaults = { apiBase: basePath, hubBase: "", defaultUserId: "CUST-0001" };

export async function loadConfig(fetch = globalThis.fetch) {
  try {
    const response = await fetch(toAddress("/runtime-config.json"), { cache: "no-store" });
    return response.ok ? parseConfig(await response.json()) : defaults;
  } catch {
    // An absent or broken file must not keep the shop from starting.
    return defaults;
  }
}

// Values of the wrong type fall back one by one; a trailing slash is dropped.
export function parseConfig(json) {
  const text = (value) => (typeof value === "string" ? value.trim().replace(/\/+$/, "") : "");
  return {
    apiBase: text(json?.orderAcceptApiBaseUrl) || defaults.apiBase,
    hubBase: text(json?.signalRBaseUrl),
    defaultUserId: text(json?.defaultUserId) || defaults.defaultUserId,
  };
}

// The WebSocket address of the hub: `https` becomes `wss`, an empty base means the page's own.
export function hubAddress(hubBase, pageOrigin, token) {
  const url = new URL(`${hubBase || pageOrigin + basePath}/hubs/order-status`);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("access_token", token);
  return url.href;
}
