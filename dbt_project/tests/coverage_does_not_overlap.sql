-- At most one delivery speaks for a slice at any time.
with coverage as (
    select * from {{ ref('fct_coverage') }}
)

select
    earlier.return_code,
    earlier.table_name,
    earlier.slice_period,
    earlier.reporting_unit_code,
    earlier.delivery_id,
    later.delivery_id as later_delivery_id
from coverage as earlier
inner join coverage as later
    on
        earlier.return_code = later.return_code
        and earlier.table_name = later.table_name
        and earlier.slice_period = later.slice_period
        and earlier.reporting_unit_code = later.reporting_unit_code
        and earlier.sequence_number < later.sequence_number
where earlier.known_to is null or earlier.known_to > later.known_from
