/** The page's own line icons, 24 by 24, drawn in the colour of the text around them. */
const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm4.7 11.2L20 20",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  layers: "M12 3.5l8.5 4.8L12 13 3.5 8.3 12 3.5ZM4 12.6l8 4.5 8-4.5M4 16.4l8 4.5 8-4.5",
  filter: "M4 5.5h16l-6.2 7.2v6l-3.6-2v-4L4 5.5Z",
  locate: "M12 7.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3",
  copy: "M9 9h10v11H9zM5 15V4h10",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  pin: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 1 1 13 0c0 5-6.5 11-6.5 11ZM12 7.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6Z",
  chevron: "M9 6l6 6-6 6",
  list: "M4 6h2M9.5 6H20M4 12h2M9.5 12H20M4 18h2M9.5 18H20",
  follow: "M20 4L3.5 10.5l7 3 3 7L20 4Z",
  near: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM12 12h.01",
  play: "M8 5.5v13l10.5-6.5L8 5.5Z",
  pause: "M9 6v12M15 6v12",
  time: "M12 3.5a8.5 8.5 0 1 1-7.6 4.7M4 3.5v5h5M12 7.5V12l3 2",
  mark: "M6 20.5V4.5h12l-3 4.5 3 4.5H6",
  ruler: "M3.5 16.5l13-13 4 4-13 13-4-4ZM7 13l2 2M10 10l2.5 2.5M13 7l2 2",
  file: "M6 3.5h8l4.5 4.5v12.5H6V3.5ZM13.5 3.5v5h5M9 17l2.5-4 2 2.5L15 13",
  settings: "M12 8.8a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4ZM12 3.5v2.6M12 17.9v2.6M3.5 12h2.6M17.9 12h2.6M6 6l1.8 1.8M16.2 16.2L18 18M6 18l1.8-1.8M16.2 7.8L18 6",
  info: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 11v5.5M12 7.6h.01",
  install: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  );
}

/** An arrow that points along a course, north up. */
export function CourseArrow(props: { deg: number }) {
  return (
    <svg class="icon course" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12 3l6 17-6-4-6 4z" transform={`rotate(${props.deg} 12 12)`} />
    </svg>
  );
}
