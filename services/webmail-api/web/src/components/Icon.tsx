/** Own line icons on a 24-unit grid, drawn with the colour of the text. */
const PATHS = {
  inbox: "M4 13h4l1.5 3h5l1.5-3h4M4 13l2.6-7.5h10.8L20 13v5.5H4z",
  drafts: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5",
  sent: "M20.5 3.5 3.5 10.5l6.5 3 3 6.5zM10 13.5l4-4",
  archive: "M3.5 4.5h17v4h-17zM5 8.5V19.5h14V8.5M9.5 12.5h5",
  junk: "M12 3.5l7.5 3v5c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9v-5zM12 8.5v4M12 15.8v.1",
  trash: "M4.5 6.5h15M9 6.5V4h6v2.5M6.5 6.5l1 13.5h9l1-13.5M10 10.5v6M14 10.5v6",
  folder: "M3.5 6v12.5h17V8h-9L9.5 6z",
  folderPlus: "M3.5 6v12.5h17V8h-9L9.5 6zM12 10.5v5.5M9.2 13.2h5.6",
  folderMove: "M3.5 6v12.5h17V8h-9L9.5 6zM8.5 13.2h6M12.5 10.8l2.5 2.4-2.5 2.4",
  mails: "M3.5 8.5h14v11h-14zM3.5 9l7 5.5 7-5.5M7 5h13.5v11",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5l5 5",
  compose: "M12 5H5v14h14v-7M10 14l.6-2.6L18.5 3.5l2 2-7.9 7.9z",
  reply: "M9.5 6 4 11.5 9.5 17M4.5 11.5H14c4 0 6 2.5 6 6.5",
  replyAll: "M7.5 6.5l-5 5 5 5M12 6.5l-5 5 5 5M7.5 11.5H15c3.8 0 6 2.5 6 6.5",
  forward: "M14.5 6 20 11.5 14.5 17M19.5 11.5H10c-4 0-6 2.5-6 6.5",
  star: "M12 3.8l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z",
  clip: "M19 11.5l-7.3 7.3a4.6 4.6 0 0 1-6.5-6.5l7.8-7.8a3 3 0 0 1 4.3 4.3l-7.6 7.6a1.5 1.5 0 0 1-2.1-2.1l6.9-6.9",
  unread: "M3.5 6h11M3.5 6v12.5h17V11M3.5 7l8.5 6.5 3-2.3M18.5 3.5a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z",
  read: "M3.5 10l8.5-6 8.5 6v9.5h-17zM3.5 10.5l8.5 5.5 8.5-5.5",
  back: "M14.5 5.5 8 12l6.5 6.5",
  down: "M6 9.5l6 6 6-6",
  right: "M9.5 6l6 6-6 6",
  close: "M6 6l12 12M18 6 6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M12 5.5v.1M12 12v.1M12 18.5v.1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  minus: "M6 17.5h12",
  expand: "M14 4.5h5.5V10M10 19.5H4.5V14M19 5l-6 6M5 19l6-6",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  screen: "M3.5 5h17v11.5h-17zM8.5 20h7M12 16.5V20",
  help: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM9.6 9.5c0-3.3 5-3.2 5 0 0 2-2.6 2-2.6 4M12 16.6v.1",
  signOut: "M10 4.5H4.5v15H10M15.5 8l4 4-4 4M19 12H9.5",
  picture: "M3.5 5h17v14h-17zM3.5 16l5-5 4 4 3-3 5 5M15.5 9.2v.1",
  file: "M6 3.5h8l4.5 4.5v12.5H6zM13.5 4v4.5H18",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z",
  eyeOff:
    "M9.5 6c.8-.3 1.6-.5 2.5-.5 6 0 9.5 6.5 9.5 6.5s-1 1.9-2.9 3.6M14.5 18.1c-.8.3-1.6.4-2.5.4-6 0-9.5-6.5-9.5-6.5S3.6 9.9 5.6 8.2M4 4l16 16M10 10.1a2.8 2.8 0 0 0 3.9 3.9",
  offline: "M7 18.5h10.5a4 4 0 0 0 1.3-7.8M16.4 7.6A6 6 0 0 0 6.3 9.9 4.4 4.4 0 0 0 7 18.5M4 4l16 16",
  bell: "M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 2h-14zM10.3 20.5h3.4M12 5.5v-2",
  printer: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
  selectAll: "M8 4h12v12H8zM16 20H4V8M11 9.8l2.3 2.3 4-4.2",
  text: "M5 6h14M5 10.5h14M5 15h9M5 19.5h11",
  external: "M13.5 4.5h6v6M19 5l-8.5 8.5M17.5 13.5v6h-13v-13h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20, filled = false }: { name: IconName; size?: number; filled?: boolean }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={name === "more" ? 2.6 : 1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
