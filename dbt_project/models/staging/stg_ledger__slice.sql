-- The one place that asks "as known when?": a slice that leaves here takes its rows with it everywhere else.
select
    delivery_id,
    return_code,
    table_name,
    slice_period,
    reporting_unit_code,
    scheme,
    as_at_on,
    coalesce(revision_mark, 0) as revision_mark,
    received_seq
from {{ source('raw', 'slice') }}
{% if var('as_known_on') %}
    where as_at_on <= cast('{{ var("as_known_on") }}' as date)
{% endif %}
