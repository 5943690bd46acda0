/** The map's colours by day and by night. Calm ground; what people look for is what stands on it. */
export interface Theme {
  dark: boolean;
  water: string;
  land: string;
  lake: string;
  border: string;
  state: string;
  coast: string;
  country: string;
  city: string;
  halo: string;
  label: string;
  labelGround: string;
  labelEdge: string;
  density: [number, number, number];
  densityText: string;
  /** The way of a packet. */
  path: string;
  pathText: string;
  /** Reach, vagueness and course. */
  range: string;
}

export const LIGHT: Theme = {
  dark: false,
  water: "#cfdde3",
  land: "#f4f2ec",
  lake: "#d3e0e6",
  border: "#b3a9a0",
  state: "#dcd6cb",
  coast: "#b4c5cd",
  country: "#7d7468",
  city: "#6b665e",
  halo: "rgba(250,248,243,0.9)",
  label: "#1c2530",
  labelGround: "rgba(255,254,251,0.86)",
  labelEdge: "rgba(40,50,60,0.16)",
  density: [168, 71, 28],
  densityText: "#fff",
  path: "#8a2b6f",
  pathText: "#fff",
  range: "#44606f",
};

export const DARK: Theme = {
  dark: true,
  water: "#0f171d",
  land: "#1b252d",
  lake: "#121b22",
  border: "#52606b",
  state: "#2b3741",
  coast: "#2c3a45",
  country: "#93a0ab",
  city: "#8996a1",
  halo: "rgba(16,23,29,0.9)",
  label: "#eef2f5",
  labelGround: "rgba(20,28,35,0.82)",
  labelEdge: "rgba(220,230,240,0.18)",
  density: [242, 161, 115],
  densityText: "#22140b",
  path: "#f0a6dc",
  pathText: "#2b0f24",
  range: "#9fb9c7",
};
