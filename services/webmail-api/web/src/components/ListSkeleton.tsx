/** The shape of rows to come, while they are on their way. */
export function ListSkeleton({ rows = 9 }: { rows?: number }) {
  return (
    <div className="list-skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="row-skeleton">
          <span className="skeleton round" />
          <span>
            <span className="skeleton" style={{ width: `${34 + ((i * 17) % 28)}%` }} />
            <span className="skeleton" style={{ width: `${58 + ((i * 23) % 34)}%` }} />
            <span className="skeleton thin" style={{ width: `${70 + ((i * 13) % 28)}%` }} />
          </span>
        </div>
      ))}
    </div>
  );
}
