-- Whole financial years around all that is covered: two before, since a comparison of rolling years reaches 23 months
-- back, and one after, for what is planned.
with covered as (
    select
        min(slice_period) as first_month,
        max(slice_period) as last_month
    from {{ ref('fct_coverage') }}
),

-- The financial year of a month is the calendar year of the month three months before it.
bounds as (
    select
        {{ add_months(dbt.date_trunc('year', add_months('first_month', -3)), -21) }} as first_month,
        {{ add_months(dbt.date_trunc('year', add_months('last_month', -3)), 26) }} as last_month
    from covered
),

-- 1,200 months: a century of returns.
counted as (
    {{ dbt.generate_series(1200) }}
),

months as (
    select {{ add_months('bounds.first_month', 'cast(counted.generated_number - 1 as integer)') }} as month
    from bounds
    cross join counted
    where counted.generated_number <= {{ dbt.datediff('bounds.first_month', 'bounds.last_month', 'month') }} + 1
),

dated as (
    select
        month,
        cast(extract(year from month) as integer) as calendar_year,
        cast(extract(month from month) as integer) as calendar_month_number,
        cast(extract(year from {{ add_months('month', -3) }}) as integer) as financial_year_start,
        cast(extract(month from {{ add_months('month', -3) }}) as integer) as financial_month_number
    from months
)

select
    month,
    calendar_year * 100 + calendar_month_number as month_code,
    case calendar_month_number
        when 1 then 'January'
        when 2 then 'February'
        when 3 then 'March'
        when 4 then 'April'
        when 5 then 'May'
        when 6 then 'June'
        when 7 then 'July'
        when 8 then 'August'
        when 9 then 'September'
        when 10 then 'October'
        when 11 then 'November'
        when 12 then 'December'
    end || ' ' || cast(calendar_year as {{ dbt.type_string() }}) as month_name,
    cast(financial_year_start as {{ dbt.type_string() }}) || '/'
    || right(cast(financial_year_start + 1 as {{ dbt.type_string() }}), 2) as financial_year,
    cast(floor((financial_month_number + 2) / 3) as integer) as financial_quarter,
    financial_month_number,
    calendar_year,
    cast({{ dbt.datediff('month', add_months('month', 1), 'day') }} as integer) as days_in_month
from dated
