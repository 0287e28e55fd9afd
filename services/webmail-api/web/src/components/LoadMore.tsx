import { useEffect, useRef } from "react";
import { ListSkeleton } from "./ListSkeleton";

/** Stands at the end of what is loaded, and loads more when it comes near. */
export function LoadMore({ failed, onSeen }: { failed: boolean; onSeen: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const seen = useRef(onSeen);
  useEffect(() => {
    const node = ref.current;
    if (!node || failed) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) seen.current();
      },
      { root: node.parentElement, rootMargin: "900px" },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [failed]);
  return (
    <div ref={ref} className="more">
      {failed ? (
        <button type="button" className="button" onClick={onSeen}>
          Load more
        </button>
      ) : (
        <ListSkeleton rows={2} />
      )}
    </div>
  );
}
