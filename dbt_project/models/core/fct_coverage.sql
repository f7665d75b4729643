-- Which delivery speaks for a slice, and from when. Order of knowledge, not of arrival: deliveries loaded in any order
-- come out the same.
select
    return_code,
    table_name,
    slice_period,
    reporting_unit_code,
    scheme,
    delivery_id,
    as_at_on,
    cast(row_number() over by_knowledge as integer) as sequence_number,
    as_at_on as known_from,
    lead(as_at_on) over by_knowledge as known_to,
    lead(as_at_on) over by_knowledge is null as is_in_force
from {{ ref('stg_ledger__slice') }}
window
    by_knowledge as (
        partition by return_code, table_name, slice_period, reporting_unit_code
        order by as_at_on, revision_mark, received_seq, delivery_id
    )
