/** The shape of rows to come, while they are on their way. */
export function ListSkeleton({ rows = 9 }: { rows?: number }) {
  return (
    <div className="list-skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="row-skeleton">
          <span className="skeleton round" />
          <span>
            <span className={`skeleton ${i % 2 ? "w44" : "w30"}`} />
            <span className={`skeleton ${i % 3 ? "w60" : "w85"}`} />
            <span className={`skeleton thin ${i % 3 === 1 ? "w85" : "w92"}`} />
          </span>
        </div>
      ))}
    </div>
  );
}
