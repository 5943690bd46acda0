/** Leaflet's sources carry no types of their own; `leaflet.ts` gives them those of the whole. */
declare module "leaflet/src/*";
