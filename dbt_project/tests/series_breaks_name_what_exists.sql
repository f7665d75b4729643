-- A break stated of a return or table that nobody knows would be dropped in silence.
select breaks.applies_to
from {{ ref('series_break') }} as breaks
left join {{ ref('return_precedence') }} as returns
    on breaks.applies_to in (returns.return_code, returns.table_name)
where returns.return_code is null
